import { authorization, call } from './calls.js';
import * as api from './generated/api/index.js';

type Raw<Data> = { raw: Response; value(): Promise<Data> };

// answered gives what was decoded with the names that the wire has.
async function answered<Decoded, Data>(result: Promise<Raw<Decoded>>, data: (decoded: Decoded) => Data) {
  try {
    const { raw, value } = await result.then((answer) => ({ raw: answer.raw, value: () => answer.value() }));
    return { status: raw.status, data: data(await value()) };
  } catch (thrown) {
    if (!(thrown instanceof Response)) throw thrown;
    const { error } = api.ModelErrorFromJSON(await thrown.json());
    return { status: thrown.status, failure: { error: error as string | string[] } };
  }
}

const same = <Data>(data: Data): Data => data;
const day = (date: Date | null | undefined) => date?.toISOString().slice(0, 10) ?? null;

const configuration = new api.Configuration({ headers: authorization, fetchApi: fetch });
const tools = new api.ToolsApi(configuration);
const users = new api.UsersApi(configuration);
const labels = new api.LabelsApi(configuration);
const documents = new api.DocumentsApi(configuration);
const otp = new api.OtpApi(configuration);
const phones = new api.PhonesApi(configuration);
const accounts = new api.ServiceAccountsApi(configuration);
const keys = new api.ApiKeysApi(configuration);

call({
  getTimestamp: () => answered(tools.getTimestampRaw({ body: {} }), same),
  createUser: (body) => answered(users.createUserRaw({ createUserParameters: body }), same),
  importUser: ({ password_digest, first_name, dob, ...body }) =>
    answered(users.importUserRaw({ importUserParameters: { ...body, passwordDigest: password_digest, firstName: first_name, dob: new Date(dob) } }), same),
  createLabel: ({ user_uid, ...body }) => answered(labels.createLabelRaw({ createLabelParameters: { ...body, userUid: user_uid } }), same),
  updateLabel: ({ user_uid, ...body }) => answered(labels.updateLabelRaw({ updateLabelParameters: { ...body, userUid: user_uid } }), same),
  listLabels: ({ user_uid }) => answered(labels.listLabelsRaw({ listLabelsParameters: { userUid: user_uid } }), same),
  filterUsersByLabel: (body) => answered(labels.filterUsersByLabelRaw({ filterUsersByLabelParameters: body }), same),
  createDocument: ({ uid, filename, upload, doc_type, doc_number, file_ext, doc_expire }) =>
    answered(
      documents.createDocumentRaw({
        createDocumentParameters: { uid, filename, upload, docType: doc_type, docNumber: doc_number, fileExt: file_ext, docExpire: new Date(doc_expire) },
      }),
      same,
    ),
  getUser: (body) =>
    answered(users.getUserRaw({ getUserParameters: body }), (user) => ({ documents: user.documents.map((document) => ({ doc_expire: day(document.docExpire) })) })),
  listUsers: (body) => answered(users.listUsersRaw({ listUsersParameters: body }), (page) => page.map((user) => ({ profile: { dob: day(user.profile?.dob) } }))),
  signOTP: ({ user_uid, otp_code }) => answered(otp.signOTPRaw({ signOTPParameters: { userUid: user_uid, otpCode: otp_code } }), same),
  deleteLabel: ({ user_uid, key }) => answered(labels.deleteLabelRaw({ deleteLabelParameters: { userUid: user_uid, key } }), same),
  updateUser: (body) => answered(users.updateUserRaw({ updateUserParameters: body }), same),
  createProfile: (body) => answered(users.createProfileRaw({ createProfileParameters: body }), same),
  createPhone: (body) => answered(phones.createPhoneRaw({ createPhoneParameters: body }), same),
  listPhones: (body) => answered(phones.listPhonesRaw({ listPhonesParameters: body }), same),
  deletePhone: (body) => answered(phones.deletePhoneRaw({ deletePhoneParameters: body }), same),
  createServiceAccount: ({ owner_uid, service_account_role }) =>
    answered(accounts.createServiceAccountRaw({ createServiceAccountParameters: { ownerUid: owner_uid, serviceAccountRole: service_account_role } }), same),
  getServiceAccount: (body) => answered(accounts.getServiceAccountRaw({ getServiceAccountParameters: body }), same),
  listServiceAccounts: ({ owner_uid }) => answered(accounts.listServiceAccountsRaw({ listServiceAccountsParameters: { ownerUid: owner_uid } }), same),
  updateServiceAccount: (body) => answered(accounts.updateServiceAccountRaw({ updateServiceAccountParameters: body }), same),
  createAPIKey: (body) => answered(keys.createAPIKeyRaw({ createAPIKeyParameters: body }), same),
  updateAPIKey: (body) => answered(keys.updateAPIKeyRaw({ updateAPIKeyParameters: body }), same),
  deleteServiceAccount: (body) => answered(accounts.deleteServiceAccountRaw({ deleteServiceAccountParameters: body }), same),
  createAttachment: ({ file_ext, ...body }) =>
    answered(documents.createAttachmentRaw({ createAttachmentParameters: { ...body, fileExt: file_ext } }), ({ userUid }) => ({ user_uid: userUid })),
});
