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
        upload="iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
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
refused(users.create_user, openapi_client.CreateUserParameters(email="bad_email", password="Password1"))
refused(users.get_user, openapi_client.GetUserParameters(email="nobody@example.com"))
