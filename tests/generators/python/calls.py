"""Calls every operation with the client that openapi-generator has made."""

import json
import os
from datetime import date

import openapi_client
from openapi_client.rest import ApiException

configuration = openapi_client.Configuration()
configuration.access_token = os.environ["BARONG_TOKEN"]
client = openapi_client.ApiClient(configuration)
tools = openapi_client.ToolsApi(client)
users = openapi_client.UsersApi(client)
labels = openapi_client.LabelsApi(client)
documents = openapi_client.DocumentsApi(client)
otp = openapi_client.OtpApi(client)
phones = openapi_client.PhonesApi(client)
accounts = openapi_client.ServiceAccountsApi(client)
keys = openapi_client.ApiKeysApi(client)

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
generator = os.environ["BARONG_GENERATOR"]
email = generator + "@example.com"


def call(describe, method, *parameters, **optional):
    """Prints the status of a call and something that was decoded."""
    data, status, _ = getattr(method.__self__, method.__name__ + "_with_http_info")(*parameters, **optional)
    print(method.__name__, status, describe(data), sep="\t")
    return data


def refused(method, parameters):
    try:
        method(parameters)
    except ApiException as failure:
        messages = json.loads(failure.body)["error"]
        print(method.__name__ + " refused", failure.status, messages if isinstance(messages, str) else "|".join(messages), sep="\t")
    else:
        raise AssertionError(method.__name__ + " was not refused")


call(lambda time: time.timestamp, tools.get_timestamp)
call(lambda user: user.state, users.create_user, openapi_client.CreateUserParameters(email="new-" + email, password="Tecohvi0"))
uid = call(
    lambda user: user.uid,
    users.import_user,
    openapi_client.ImportUserParameters(
        email=email,
        password_digest="$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        phone=os.environ["BARONG_PHONE"],
        first_name="Ada",
        dob=date(1985, 12, 10),
    ),
).uid
call(
    lambda label: label.value,
    labels.create_label,
    openapi_client.CreateLabelParameters(user_uid=uid, key="generator", value="unknown"),
)
call(
    lambda label: label.value,
    labels.update_label,
    openapi_client.UpdateLabelParameters(user_uid=uid, key="generator", value=generator, replace=False),
)
call(lambda found: ",".join(label.key for label in found), labels.list_labels, openapi_client.ListLabelsParameters(user_uid=uid))
call(
    lambda found: ",".join(user.uid for user in found),
    labels.filter_users_by_label,
    openapi_client.FilterUsersByLabelParameters(key="generator", value=generator, scope="private", limit=10),
)
call(
    lambda user: user.uid,
    documents.create_document,
    openapi_client.CreateDocumentParameters(
        uid=uid,
        doc_type="Passport",
        doc_number="AB123123",
        filename="passport.png",
        file_ext="png",
        upload=PICTURE,
        doc_expire=date(2099, 4, 1),
    ),
)
call(lambda user: user.documents[0].doc_expire, users.get_user, openapi_client.GetUserParameters(uid=uid))
call(
    lambda found: found[0].profile.dob,
    users.list_users,
    list_users_parameters=openapi_client.ListUsersParameters(email=email, extended=True),
)
call(
    lambda signed: signed.signatures[0].header["kid"],
    otp.sign_otp,
    openapi_client.SignOTPParameters(user_uid=os.environ["BARONG_OTP_UID"], otp_code=os.environ["BARONG_OTP_CODE"]),
)
call(lambda label: label.key, labels.delete_label, openapi_client.DeleteLabelParameters(user_uid=uid, key="generator"))
call(lambda user: user.role, users.update_user, openapi_client.UpdateUserParameters(uid=uid, role="maker"))
call(lambda user: user.profiles[-1].state, users.create_profile, openapi_client.CreateProfileParameters(uid=uid, state="rejected"))
second = os.environ["BARONG_PHONE"].replace("1515", "1516")
call(lambda phone: phone.country, phones.create_phone, openapi_client.CreatePhoneParameters(uid=uid, number=second))
call(lambda found: ",".join(phone.country for phone in found), phones.list_phones, openapi_client.ListPhonesParameters(uid=uid))
call(lambda phone: phone.country, phones.delete_phone, openapi_client.DeletePhoneParameters(uid=uid, number=second))
robot = call(
    lambda account: account.role,
    accounts.create_service_account,
    openapi_client.CreateServiceAccountParameters(owner_uid=uid, service_account_role="service_account"),
).uid
call(lambda account: account.user.uid, accounts.get_service_account, openapi_client.GetServiceAccountParameters(uid=robot))
call(
    lambda found: found[0].user.uid,
    accounts.list_service_accounts,
    list_service_accounts_parameters=openapi_client.ListServiceAccountsParameters(owner_uid=uid),
)
call(lambda account: account.user.uid, accounts.update_service_account, openapi_client.UpdateServiceAccountParameters(uid=robot))
holder = os.environ["BARONG_OTP_UID"]
kid = call(
    lambda key: ",".join(key.scope),
    keys.create_api_key,
    openapi_client.CreateAPIKeyParameters(uid=holder, algorithm="HS256", scopes="trade,history"),
).kid
call(lambda key: key.state, keys.update_api_key, openapi_client.UpdateAPIKeyParameters(uid=holder, kid=kid, state="inactive"))
call(lambda account: account.state, accounts.delete_service_account, openapi_client.DeleteServiceAccountParameters(uid=robot))
call(
    lambda attachment: attachment.user_uid,
    documents.create_attachment,
    openapi_client.CreateAttachmentParameters(uid=uid, filename="letter.png", file_ext="png", upload=PICTURE),
)
refused(users.create_user, openapi_client.CreateUserParameters(email="bad_email", password="Password1"))
refused(users.get_user, openapi_client.GetUserParameters(email="nobody@example.com"))
